"""Obtaining the official data: what there is (manifest), downloading, unpacking, clips from YouTube."""
