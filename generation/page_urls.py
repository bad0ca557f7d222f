"""The pages a person sees; everything under `api/` is in `generation.urls` and `generation.routing`."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from generation import (
    batch_pages,
    correction_pages,
    history_pages,
    language_pages,
    library_pages,
    pages,
    preview_pages,
    program_choices,
    program_pages,
    program_version_pages,
)
from generation.handout import pages as handout_pages
from generation.handout import public_page, share_pages

urlpatterns = [
    path("", pages.generate, name="generate"),
    path("language/", language_pages.choose_language, name="choose-language"),
    path("preview/", preview_pages.preview, name="preview"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("runs/", history_pages.history, name="history"),
    path("runs/search/", history_pages.search, name="search-runs"),
    path("runs/<uuid:run_id>/record-number/", history_pages.reveal_record_number, name="record-number"),
    path("runs/<uuid:run_id>/", pages.run_page, name="run"),
    path("runs/<uuid:run_id>/correct/", correction_pages.correct, name="correct-run"),
    path("runs/<uuid:run_id>/live/", pages.live_run, name="live-run"),
    path("runs/<uuid:run_id>/cancel/", pages.cancel_run, name="cancel-run"),
    path("runs/<uuid:run_id>/pause/", pages.pause_run, name="pause-run"),
    path("runs/<uuid:run_id>/resume/", pages.resume_run, name="resume-run"),
    path("batches/new/", batch_pages.new_batch, name="new-batch"),
    path("batches/<uuid:batch_id>/", batch_pages.batch_page, name="batch"),
    path("batches/<uuid:batch_id>/cancel/", batch_pages.cancel_batch, name="cancel-batch"),
    path("batches/<uuid:batch_id>/retry/", batch_pages.retry_batch, name="retry-batch"),
    path("batches/<uuid:batch_id>/rows/", batch_pages.batch_rows, name="batch-rows"),
    path("batches/<uuid:batch_id>/rows/<uuid:run_id>/cancel/", batch_pages.cancel_row, name="cancel-row"),
    path("batches/<uuid:batch_id>/rows/<uuid:run_id>/retry/", batch_pages.retry_row, name="retry-row"),
    path("programs/", history_pages.program_list, name="programs"),
    path("programs/<uuid:program_id>/", program_pages.program_page, name="program"),
    path("programs/<uuid:program_id>/edit/", program_pages.edit_program, name="edit-program"),
    path("programs/<uuid:program_id>/approve/", program_pages.approve_program, name="approve-program"),
    path("programs/<uuid:program_id>/swap/<slug:slug>/", program_choices.swap_choices, name="swap-choices"),
    path("programs/<uuid:program_id>/add/", program_choices.add_choices, name="add-choices"),
    path("programs/<uuid:program_id>/versions/", program_version_pages.versions, name="program-versions"),
    path("programs/<uuid:program_id>/versions/<int:number>/", program_version_pages.version_page, name="version"),
    path("programs/<uuid:program_id>/record/", program_version_pages.record_page, name="program-record"),
    path("programs/<uuid:program_id>/duplicate/", program_pages.duplicate_program, name="duplicate-program"),
    path("programs/<uuid:program_id>/template/", program_pages.save_template, name="save-template"),
    path("programs/<uuid:program_id>/delete/", program_pages.delete_program, name="delete-program"),
    path("programs/<uuid:program_id>/handout/", handout_pages.handout, name="handout"),
    path("programs/<uuid:program_id>/handout.pdf", handout_pages.handout_pdf, name="handout-pdf"),
    path("programs/<uuid:program_id>/shares/", share_pages.program_shares, name="shares"),
    path("programs/<uuid:program_id>/shares/<uuid:share_id>/revoke/", share_pages.revoke_share, name="revoke-share"),
    path("h/<str:token>/", public_page.shared, name="shared"),
    path("templates/", program_pages.templates, name="templates"),
    path("templates/<uuid:program_id>/use/", program_pages.use_template, name="use-template"),
    path("library/", library_pages.library, name="library"),
    path("library/<slug:slug>/", library_pages.exercise_page, name="library-exercise"),
]
