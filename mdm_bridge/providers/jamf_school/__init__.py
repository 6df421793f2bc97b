"""Jamf School: inventory of a distant server through its REST API."""

from mdm_bridge.providers.jamf_school.source import JamfSchoolSource

__all__ = ["JamfSchoolSource"]
