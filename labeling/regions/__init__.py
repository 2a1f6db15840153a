"""Regions: what a version drew, what people said of it, what is settled, and how well a detector finds them.

A region is a label with a box [x, y, width, height] or a polygon [[x, y], …], in pixels of the original image.
"""
