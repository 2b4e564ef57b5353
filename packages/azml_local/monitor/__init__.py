"""Azure Monitor's metrics of online endpoints and deployments, from what their gateways counted.

Owns names, units and dimensions, the language of a query, and how counts become time series. Deliberately counts
nothing: that is the gateway's (`azml_gateway.counts`).
"""
