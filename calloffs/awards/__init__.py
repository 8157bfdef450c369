"""Awards: decided outside the panel, told to all, published after standstill."""
