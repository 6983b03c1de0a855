"""The sample figures, as data: they are installed with readoff so that its demo runs anywhere."""
