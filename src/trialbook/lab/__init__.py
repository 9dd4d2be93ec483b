"""What JupyterLab and nbconvert are set to in this environment, and what they call of ours."""
