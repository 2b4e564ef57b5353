"""Gates: what a release has to show before, and while, it goes live.

Owns asking (own requests, Azure Monitor), judging and saying why. Deliberately moves no traffic and knows no step: the
rollout decides what a verdict means.
"""
