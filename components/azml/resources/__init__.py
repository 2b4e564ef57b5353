"""azml's own resources: what azure-native cannot do without taking away what someone else owns.

One file each: the class that programs use and the handler that the provider runs. Handlers read live state and merge.
Deliberately no components and no config here.
"""
