"""The student's screens by the names that the guide gives them, and SENCE's way back."""

from django.urls import URLPattern

app_name = "attendance"
urlpatterns: list[URLPattern] = []
