"""Pictures of a meta-analysis, each drawn on an Axes that is returned, or saved."""

from pool.plots.flow import Flow, flow_size, prisma_flow
from pool.plots.forest import forest, save_forest
from pool.plots.funnel import funnel, sequential_plot
from pool.plots.judgements import RiskOfBias, read_risk_of_bias, risk_summary, traffic_light
from pool.plots.saving import save
from pool.plots.sensitivity import baujat, drapery, leave_one_out_plot, leave_one_out_size
from pool.plots.specification import specification_plot, specification_size

__all__ = [
    "Flow",
    "RiskOfBias",
    "baujat",
    "drapery",
    "flow_size",
    "forest",
    "funnel",
    "leave_one_out_plot",
    "leave_one_out_size",
    "prisma_flow",
    "read_risk_of_bias",
    "risk_summary",
    "save",
    "save_forest",
    "sequential_plot",
    "specification_plot",
    "specification_size",
    "traffic_light",
]
