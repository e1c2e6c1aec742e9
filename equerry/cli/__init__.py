"""The operator's command line: thin verbs over the packages."""
