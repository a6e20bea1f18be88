"""Model files and training states: safetensors files with a header that explains them."""
