"""Campaigns: what was asked, what is made, shown, approved and taken away."""
