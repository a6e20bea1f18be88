"""Outlines: cells as polygons in files of annotation programs (LabelMe, COCO, VIA, GeoJSON, YOLO), drawn as numbered masks."""
