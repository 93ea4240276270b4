"""The paper's two figures for any run: the networks, and people with their maps; ready to be printed."""
