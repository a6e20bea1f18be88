"""The frameworks that minunet is compared with. Only here and in tests are they imported."""
