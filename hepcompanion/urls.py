from django.contrib import admin
from django.urls import include, path

from generation.prometheus import Scrape

urlpatterns = [
    path("admin/", admin.site.urls),
    path("metrics", Scrape.as_view()),
    path("", include("generation.urls")),
    path("", include("generation.page_urls")),
]

handler400 = "generation.error_pages.bad_request"
handler403 = "generation.error_pages.not_allowed"
handler404 = "generation.error_pages.not_found"
handler500 = "generation.error_pages.server_error"
