"""Images: checked as they arrive, stored under their hash, fetched where they lie, shown in a size that fits."""

from labeling.images.check import CheckedImage, check_image, difference_hash, read_from_root

__all__ = ["CheckedImage", "check_image", "difference_hash", "read_from_root"]
