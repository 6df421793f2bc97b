"""Distant servers to practise on: stateful, over real HTTP, one module per product.

Nothing here imports a provider or ``net``: the simulator is written from facts about the products
alone, so that a mistake of our readers shows instead of being shared.
"""

from mdm_bridge.simulator.run import Simulator, kinds, start_simulator

__all__ = ["Simulator", "kinds", "start_simulator"]
