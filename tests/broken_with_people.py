"""The site, and an address that breaks with somebody's data at hand."""

from django.urls import include, path

from usecap_sence import urls


def broken(request):
    name = request.POST["name"]
    raise LookupError(f"{name} {request.POST['rut']}")


urlpatterns = [path("roto/", broken), path("", include(urls))]
handler400 = urls.handler400
handler500 = urls.handler500
