"""Operations on arrays, without tensors or derivatives: each a plain reference, and faster paths beside it."""
