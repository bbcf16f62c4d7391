"""The user guide."""

from django.urls import path

from errors_catalog import views

app_name = "errors_catalog"
urlpatterns = [path("", views.guide, name="guide")]
