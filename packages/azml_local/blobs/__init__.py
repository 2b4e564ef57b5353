"""The blob data plane: what azure-storage-blob needs, over real files.

Owns contents, their metadata, and the storage service's own kinds of authorisation. Storage accounts and containers are
ARM resources; whether one exists is asked of the store.
"""
