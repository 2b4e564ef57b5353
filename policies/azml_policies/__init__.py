"""What an Azure ML serving estate must keep to, as rules that judge any Pulumi program.

A rule is a file in `rules`; what a rule is says `rule`, what becomes of its verdict `pack`, how the engine asks
`server`. Rules read type tokens and inputs of resources and know none of azml's components.
"""
