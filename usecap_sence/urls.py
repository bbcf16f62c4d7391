"""Every address of the site: the student's way in `attendance`, the back office in admin."""

from django.contrib import admin
from django.urls import include, path

# Here and not as Django starts: no command needs admin, which is half of what there is to load.
admin.autodiscover()

urlpatterns = [
    path("guia/", include("errors_catalog.urls")),
    path("", include("attendance.urls")),
    path("diseno/", include("backoffice.design_urls")),
    path("admin/", admin.site.urls),
    path("", include("backoffice.health_urls")),
]

handler400 = "usecap_sence.views.bad_request"
handler500 = "usecap_sence.views.server_error"
