"""The U-Net on a GPU as one CUDA graph: its training step and its forward pass, made from the model."""
