"""What tests share: builders of small studies, projects and workbooks, ways to damage them, readers of pages."""
