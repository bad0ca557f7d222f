"""What the codes of the exercise library are called on its pages."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Word = str | Promise

# In the order in which the page shows them.
FACETS: dict[str, Word] = {
    "region": _("Region"),
    "purpose": _("Purpose"),
    "phase": _("Phase"),
    "level": _("Level"),
    "position": _("Position"),
    "equipment": _("Equipment"),
    "demand": _("Demand"),
    "status": _("Status"),
}
REGIONS: dict[str, Word] = {
    "neck": _("Neck"), "thoracic": _("Upper back"), "shoulder": _("Shoulder"), "elbow": _("Elbow"),
    "wrist_hand": _("Wrist and hand"), "lumbar": _("Low back"), "pelvis_sij": _("Pelvis"), "hip": _("Hip"),
    "knee": _("Knee"), "ankle_foot": _("Ankle and foot"), "jaw": _("Jaw"), "whole_body": _("Whole body and balance"),
    "vestibular": _("Dizziness"), "respiratory": _("Breathing"), "pelvic_floor": _("Pelvic floor"),
}  # fmt: skip
PURPOSES: dict[str, Word] = {
    "mobility_passive": _("Passive movement"), "mobility_active": _("Active movement"), "stretch": _("Stretch"),
    "nerve_glide": _("Nerve glide"), "activation": _("Activation"), "isometric": _("Isometric hold"),
    "strength": _("Strength"), "endurance": _("Endurance"), "power": _("Power"), "balance": _("Balance"),
    "function": _("Everyday function"), "gait": _("Walking pattern"), "aerobic": _("Fitness"),
    "breathing_relaxation": _("Breathing and relaxation"), "motor_control": _("Movement control"),
    "habituation": _("Habituation"),
}  # fmt: skip
PHASES: dict[str, Word] = {
    "protect": _("Protect – early healing"),
    "restore": _("Restore – movement back"),
    "load": _("Load – building strength"),
    "perform": _("Perform – sport and work"),
    "maintain": _("Maintain – keeping strong"),
}
POSITIONS: dict[str, Word] = {
    "supine": _("On the back"), "prone": _("On the front"), "side_lying": _("On the side"), "sitting": _("Sitting"),
    "standing": _("Standing"), "half_kneeling": _("Half kneeling"), "kneeling": _("Kneeling"),
    "quadruped": _("Hands and knees"), "walking": _("Walking"), "long_sitting": _("Sitting with straight legs"),
}  # fmt: skip
EQUIPMENT: dict[str, Word] = {
    "none": _("Nothing"), "chair": _("Chair"), "wall": _("Wall"), "table": _("Table"), "step": _("Step"),
    "stairs": _("Stairs"), "towel": _("Towel"), "stick": _("Stick"), "pillow_roll": _("Pillow or roll"),
    "band": _("Elastic band"), "dumbbell": _("Dumbbell"), "ball": _("Ball"), "strap": _("Strap"), "bed": _("Bed"),
    "counter": _("Kitchen counter"), "bike": _("Exercise bike"), "mat": _("Mat"),
}  # fmt: skip
LEVELS: dict[str, Word] = {
    "1": _("1 – very easy"),
    "2": _("2 – easy"),
    "3": _("3 – moderate"),
    "4": _("4 – hard"),
    "5": _("5 – advanced"),
}
STATUSES: dict[str, Word] = {
    "reviewed": pgettext_lazy("exercise", "Reviewed"),
    "draft": pgettext_lazy("exercise", "Draft"),
    "retired": pgettext_lazy("exercise", "Retired"),
}
DEMANDS: dict[str, Word] = {
    "none": _("Nothing that a restriction forbids"),
    "wb_partial": _("Part of the body weight on the leg"),
    "wb_full": _("Full weight on both legs"),
    "wb_single": _("Full weight on one leg"),
    "impact": _("Impact on the legs"),
    "ue_weight_bearing": _("Weight through the arms"),
    "pos_prone": _("Lying on the front"),
    "pos_supine_flat": _("Lying flat on the back"),
    "pos_kneeling": _("Kneeling"),
    "pos_quadruped": _("Hands and knees"),
    "pos_floor": _("Getting down to the floor"),
    "pos_sidelying": _("Lying on the side"),
    "neck_end_range": _("Neck to its end range"),
    "neck_ext_rot_combined": _("Neck extended and turned at once"),
    "head_below_heart": _("Head below the heart"),
    "head_motion_fast": _("Fast head movement"),
    "sh_active_elev": _("Lifting the arm actively"),
    "sh_assisted_elev": _("Lifting the arm with help"),
    "sh_resisted": _("Shoulder against resistance"),
    "sh_er_stretch": _("Stretch of the shoulder turned out"),
    "sh_ir_stretch": _("Stretch of the shoulder turned in"),
    "sh_ext_past_neutral": _("Arm behind the body"),
    "sh_abd_er": _("Arm out to the side and turned out"),
    "sh_overhead_load": _("Load overhead"),
    "elbow_flex_resisted": _("Elbow bent against resistance"),
    "grip_heavy": _("Heavy grip"),
    "wrist_loaded_ext": _("Load on the bent-back wrist"),
    "sp_flex_end": _("Spine bent forward to its end range"),
    "sp_flex_loaded": _("Spine bent forward under load"),
    "sp_ext_end": _("Spine bent back to its end range"),
    "sp_rot_end": _("Spine turned to its end range"),
    "sp_axial_load": _("Load down through the spine"),
    "abdominal_pressure": _("Pressure in the abdomen"),
    "hip_flex_gt90": _("Hip bent past 90 degrees"),
    "hip_add_past_mid": _("Leg across the midline"),
    "hip_ir": _("Hip turned in"),
    "hip_ext_er": _("Leg back and turned out"),
    "hip_abd_active": _("Lifting the leg out actively"),
    "kn_flex_gt90": _("Knee bent past 90 degrees"),
    "kn_flex_gt90_loaded": _("Knee bent past 90 degrees under load"),
    "kn_ext_okc_resisted": _("Knee straightened against resistance, foot free"),
    "kn_ham_resisted": _("Knee bent against resistance"),
    "kn_pivot": _("Twist on the loaded knee"),
    "slr": _("Lifting the straight leg"),
    "an_df_stretch": _("Stretch of the calf"),
    "an_pf_resisted": _("Calf against resistance"),
    "an_inv_end": _("Foot turned in to its end range"),
    "valsalva": _("Holding the breath under effort"),
    "aerobic_mod": _("Moderate effort of heart and lungs"),
    "balance_unsupported": _("Balance without support"),
    "nerve_tension": _("Tension on a nerve"),
    "isometric_hold_gt10": _("Holds of more than 10 seconds"),
}
WEIGHT_BEARING: dict[str, Word] = {
    "none": _("No weight on a limb"), "upper_limb": _("Weight on the arms"),
    "partial_lower": _("Part of the weight on the legs"), "full_lower": _("Full weight on the legs"),
    "single_leg": _("Full weight on one leg"), "impact": _("Impact"),
}  # fmt: skip
LATERALITY: dict[str, Word] = {
    "unilateral": _("One side at a time"), "bilateral": _("Both sides at once"), "alternating": _("Alternating sides"),
    "midline": _("Midline"),
}  # fmt: skip
RESISTANCE: dict[str, Word] = {
    "none": _("None"), "gravity": _("Gravity"), "isometric": _("Isometric"), "band": _("Elastic band"),
    "free_weight": _("Weight"), "bodyweight": _("Body weight"),
}  # fmt: skip
# In the order in which each facet offers its codes.
CODES: dict[str, Mapping[str, Word]] = {
    "region": REGIONS, "purpose": PURPOSES, "phase": PHASES, "position": POSITIONS, "equipment": EQUIPMENT,
    "level": LEVELS, "demand": DEMANDS, "status": STATUSES,
}  # fmt: skip


def word(names: Mapping[str, Word], code: str) -> Word:
    """The name of a code; one that is new to the page is made readable."""
    return names.get(code, code.replace("_", " "))
