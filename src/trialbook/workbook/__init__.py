"""What notebooks work with: the step, its reads, the steps of a project and what each can reach."""
