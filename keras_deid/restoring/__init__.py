"""Files and videos in, restored files and videos out."""
