"""Privacy: how much of who somebody is do hidden and restored faces give away to face recognition?"""
