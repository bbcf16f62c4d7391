"""The SQL of a load, in the order in which load.py runs it. Each statement deals with all the rows.

`roster_row` holds the rows, `roster_claim` what they say of actions, each different claim once.
Claims are judged, their troubles spread to the rows that make them, and what is left is written.
Nobody else analyses temporary tables: without ANALYZE, a large roster is joined row by row.
Sentences come as parameters: load.py has them.

A course's key within its OTEC is its SENCE code or, without one of its own, its line, code and
name: the unique constraints of courses_course, case and accents aside. An action's key is its code
or, for -1, its course.
"""

TABLES = (
    "roster_otec", "roster_row", "roster_said", "roster_trouble", "roster_claim",
    "roster_claim_trouble", "roster_new_action", "roster_new_course", "roster_person",
    "roster_enrolment", "roster_changed_student", "roster_changed_enrolment",
)  # fmt: skip

CREATE = (
    f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{table}' for table in TABLES)}",
    r"""
    CREATE OR REPLACE FUNCTION pg_temp.fold(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT regexp_replace(
            translate(lower(name), 'áéíóúüñÁÉÍÓÚÜÑ', 'aeiouunaeiouun'), '\s+', ' ', 'g'
        )
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION pg_temp.course_key(line int, sence_code text, name text)
    RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN sence_code IN ('', '-1')
            THEN line || ' ' || sence_code || ' ' || pg_temp.fold(name)
            ELSE sence_code
        END
    $$
    """,
    """
    CREATE TEMP TABLE roster_row (
        line int, run text, given_names text, surnames text, email text, is_exempt boolean,
        claim uuid
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMP TABLE roster_said (
        claim uuid, code text, course_name text, training_line int, sence_code text,
        starts_on date, ends_on date, environment text, otec_rut text, unread text
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMP TABLE roster_trouble (
        seq bigint GENERATED ALWAYS AS IDENTITY, line int, "column" text, value text, reason text
    ) ON COMMIT DROP
    """,
    """
    CREATE TEMP TABLE roster_claim_trouble (
        seq bigint GENERATED ALWAYS AS IDENTITY, claim uuid, "column" text, value text, reason text,
        UNIQUE (claim, "column")
    ) ON COMMIT DROP
    """,
    "CREATE TEMP TABLE roster_changed_student (id bigint PRIMARY KEY, before text) ON COMMIT DROP",
    "CREATE TEMP TABLE roster_changed_enrolment (id bigint PRIMARY KEY) ON COMMIT DROP",
)

# One import at a time, and nobody else edits courses while it compares with them.
LOCK = (
    "SELECT pg_advisory_xact_lock(hashtext('courses.rosters'))",
    "LOCK TABLE courses_course, courses_action IN SHARE ROW EXCLUSIVE MODE",
)

# The OTECs that the one who loads may load for; no other is looked at.
OTECS = """
CREATE TEMP TABLE roster_otec ON COMMIT DROP AS
SELECT id, rut, name FROM courses_otec
WHERE %(otecs)s::bigint[] IS NULL OR id = ANY (%(otecs)s)
"""

MAKE_CLAIMS = """
CREATE TEMP TABLE roster_claim ON COMMIT DROP AS
WITH said AS (SELECT DISTINCT * FROM roster_said),
only_otec AS (SELECT min(id) AS id FROM roster_otec HAVING count(*) = 1),
placed AS (
    SELECT said.*,
        CASE WHEN said.otec_rut = '' THEN only_otec.id ELSE otec.id END AS otec_id,
        CASE
            WHEN sence_code NOT IN ('', '-1')
                OR course_name <> '' AND (training_line = 1) = (sence_code = '')
            THEN pg_temp.course_key(training_line, sence_code, course_name)
        END AS course_key
    FROM said
    LEFT JOIN roster_otec otec ON otec.rut = said.otec_rut
    LEFT JOIN only_otec ON true
)
SELECT placed.*,
    CASE code WHEN '' THEN NULL WHEN '-1' THEN '-1 ' || otec_id || ' ' || course_key ELSE code END
        AS action_key,
    NULL::bigint AS course_id,
    NULL::bigint AS action_id,
    NULL::int AS first_line
FROM placed
"""

FIND_COURSES = """
UPDATE roster_claim claim SET course_id = course.id
FROM (
    SELECT DISTINCT ON (otec_id, key) id, otec_id, key
    FROM (
        SELECT id, otec_id, pg_temp.course_key(training_line, sence_code, name) AS key
        FROM courses_course
    ) keyed
    ORDER BY otec_id, key, id
) course
WHERE claim.course_id IS NULL AND claim.otec_id = course.otec_id AND claim.course_key = course.key
"""
FIND_ACTIONS = (
    """
    UPDATE roster_claim claim SET action_id = action.id
    FROM courses_action action
    WHERE claim.action_id IS NULL AND claim.code <> '-1' AND action.code = claim.code
    """,
    """
    UPDATE roster_claim claim SET action_id = action.id
    FROM courses_action action
    WHERE claim.action_id IS NULL AND claim.code = '-1'
        AND action.code = '-1' AND action.course_id = claim.course_id
    """,
)

REPEATED = """
WITH repeated AS (
    SELECT run, action_key, min(line) AS line
    FROM roster_row JOIN roster_claim USING (claim)
    WHERE run <> '' AND action_key <> ''
    GROUP BY run, action_key HAVING count(*) > 1
)
INSERT INTO roster_trouble (line, "column", value, reason)
SELECT r.line, 'rut', r.run, format(%(repeated)s, repeated.line)
FROM roster_row r JOIN roster_claim claim USING (claim) JOIN repeated USING (run, action_key)
WHERE r.line > repeated.line
ORDER BY r.line
"""

# The first line of each claim in a row that nothing else rejects: only such a row may create.
FIRST_LINES = """
UPDATE roster_claim claim SET first_line = good.line
FROM (
    SELECT claim, min(line) AS line FROM roster_row r
    WHERE NOT EXISTS (SELECT FROM roster_trouble t WHERE t.line = r.line)
    GROUP BY claim
) good
WHERE good.claim = claim.claim
"""

OUT_OF_SCOPE = """
INSERT INTO roster_claim_trouble (claim, "column", value, reason)
SELECT claim.claim, 'codigo_accion', claim.code, %(out_of_scope)s
FROM roster_claim claim
JOIN courses_action action ON action.id = claim.action_id
JOIN courses_course course ON course.id = action.course_id
WHERE course.otec_id NOT IN (SELECT id FROM roster_otec)
ON CONFLICT DO NOTHING
"""

CONTRADICTS_STORED_ACTION = """
INSERT INTO roster_claim_trouble (claim, "column", value, reason)
SELECT claim.claim, said.name, said.given,
    CASE said.name
        WHEN 'rut_otec' THEN format(%(other_otec)s, said.known)
        ELSE format(%(stored_action)s, said.known, said.given)
    END
FROM roster_claim claim
JOIN courses_action action ON action.id = claim.action_id
JOIN courses_course course ON course.id = action.course_id
JOIN roster_otec otec ON otec.id = course.otec_id
CROSS JOIN LATERAL (VALUES
    ('curso', claim.course_name, course.name,
        pg_temp.fold(claim.course_name) = pg_temp.fold(course.name)),
    ('linea', claim.training_line::text, course.training_line::text,
        claim.training_line = course.training_line),
    ('codigo_sence', claim.sence_code, course.sence_code, claim.sence_code = course.sence_code),
    ('inicio', to_char(claim.starts_on, 'DD-MM-YYYY'), to_char(action.starts_on, 'DD-MM-YYYY'),
        claim.starts_on = action.starts_on),
    ('termino', to_char(claim.ends_on, 'DD-MM-YYYY'), to_char(action.ends_on, 'DD-MM-YYYY'),
        claim.ends_on = action.ends_on),
    ('ambiente', %(environments)s::jsonb ->> claim.environment,
        %(environments)s::jsonb ->> action.environment, claim.environment = action.environment),
    ('rut_otec', claim.otec_rut, otec.name, claim.otec_rut = otec.rut)
) AS said (name, given, known, agrees)
WHERE said.given <> '' AND NOT said.agrees
    AND said.name <> ALL (string_to_array(claim.unread, ','))
ON CONFLICT DO NOTHING
"""

# What a claim says of its `course` otherwise than the course itself, stored or new.
UNLIKE_ITS_COURSE = """
CROSS JOIN LATERAL (VALUES
    ('curso', claim.course_name, course.name,
        pg_temp.fold(claim.course_name) = pg_temp.fold(course.name)),
    ('linea', claim.training_line::text, course.training_line::text,
        claim.training_line = course.training_line)
) AS said (name, given, known, agrees)
WHERE claim.action_id IS NULL AND said.given <> '' AND NOT said.agrees
    AND said.name <> ALL (string_to_array(claim.unread, ','))
ON CONFLICT DO NOTHING
"""

CONTRADICTS_STORED_COURSE = (
    """
INSERT INTO roster_claim_trouble (claim, "column", value, reason)
SELECT claim.claim, said.name, said.given, format(%(stored_course)s, said.known, said.given)
FROM roster_claim claim
JOIN courses_course course ON course.id = claim.course_id
"""  # nosec B608
    + UNLIKE_ITS_COURSE
)

UNKNOWN_OTEC = """
INSERT INTO roster_claim_trouble (claim, "column", value, reason)
SELECT claim, 'rut_otec', otec_rut,
    CASE otec_rut WHEN '' THEN %(no_otec)s ELSE %(unknown_otec)s END
FROM roster_claim
WHERE action_id IS NULL AND code <> '' AND otec_id IS NULL
    AND (otec_rut <> '' OR NOT EXISTS (SELECT FROM roster_otec))
ON CONFLICT DO NOTHING
"""

# The first row that says all that is needed defines an action that doesn't exist yet.
NEW_ACTIONS = """
CREATE TEMP TABLE roster_new_action ON COMMIT DROP AS
SELECT DISTINCT ON (action_key) *
FROM roster_claim
WHERE action_id IS NULL AND unread = '' AND action_key <> '' AND first_line IS NOT NULL
    AND otec_id IS NOT NULL AND course_key IS NOT NULL AND course_name <> ''
    AND (training_line = 1 OR training_line IS NOT NULL AND sence_code <> '')
    AND starts_on IS NOT NULL AND ends_on IS NOT NULL
ORDER BY action_key, first_line
"""

CONTRADICTS_NEW_ACTION = """
INSERT INTO roster_claim_trouble (claim, "column", value, reason)
SELECT claim.claim, said.name, said.given,
    CASE said.name
        WHEN 'rut_otec' THEN format(%(other_otec_in_file)s, first.first_line)
        ELSE format(%(new_action)s, first.first_line, said.known, said.given)
    END
FROM roster_claim claim
JOIN roster_new_action first USING (action_key)
CROSS JOIN LATERAL (VALUES
    ('curso', claim.course_name, first.course_name,
        pg_temp.fold(claim.course_name) = pg_temp.fold(first.course_name)),
    ('linea', claim.training_line::text, first.training_line::text,
        claim.training_line = first.training_line),
    ('codigo_sence', claim.sence_code, first.sence_code, claim.sence_code = first.sence_code),
    ('inicio', to_char(claim.starts_on, 'DD-MM-YYYY'), to_char(first.starts_on, 'DD-MM-YYYY'),
        claim.starts_on = first.starts_on),
    ('termino', to_char(claim.ends_on, 'DD-MM-YYYY'), to_char(first.ends_on, 'DD-MM-YYYY'),
        claim.ends_on = first.ends_on),
    ('ambiente', %(environments)s::jsonb ->> claim.environment,
        %(environments)s::jsonb ->> coalesce(nullif(first.environment, ''), 'production'),
        claim.environment = coalesce(nullif(first.environment, ''), 'production')),
    ('rut_otec', claim.otec_rut, '', claim.otec_id = first.otec_id)
) AS said (name, given, known, agrees)
WHERE claim.claim <> first.claim AND said.given <> '' AND NOT said.agrees
    AND said.name <> ALL (string_to_array(claim.unread, ','))
ON CONFLICT DO NOTHING
"""

NEW_COURSES = """
CREATE TEMP TABLE roster_new_course ON COMMIT DROP AS
SELECT DISTINCT ON (otec_id, course_key)
    otec_id, course_key, course_name AS name, training_line, sence_code, first_line
FROM roster_new_action action
WHERE course_id IS NULL
    AND NOT EXISTS (SELECT FROM roster_claim_trouble t WHERE t.claim = action.claim)
ORDER BY otec_id, course_key, first_line
"""

CONTRADICTS_NEW_COURSE = (
    """
INSERT INTO roster_claim_trouble (claim, "column", value, reason)
SELECT claim.claim, said.name, said.given,
    format(%(new_course)s, course.first_line, said.known, said.given)
FROM roster_claim claim
JOIN roster_new_course course USING (otec_id, course_key)
"""  # nosec B608
    + UNLIKE_ITS_COURSE
)

DROP_REFUSED_ACTIONS = """
DELETE FROM roster_new_action action
WHERE EXISTS (SELECT FROM roster_claim_trouble t WHERE t.claim = action.claim)
"""

UNKNOWN_ACTION = """
INSERT INTO roster_claim_trouble (claim, "column", value, reason)
SELECT claim, 'codigo_accion', code, format(%(unknown_action)s, missing)
FROM roster_claim claim
CROSS JOIN LATERAL (
    SELECT string_agg(name, ', ' ORDER BY position) AS missing
    FROM (VALUES
        (1, 'curso', course_name = ''),
        (2, 'linea', training_line IS NULL),
        (3, 'codigo_sence', sence_code = '' AND training_line IS DISTINCT FROM 1),
        (4, 'inicio', starts_on IS NULL),
        (5, 'termino', ends_on IS NULL),
        (6, 'rut_otec',
            otec_rut = '' AND otec_id IS NULL AND EXISTS (SELECT FROM roster_otec))
    ) AS needed (position, name, absent)
    WHERE absent AND name <> ALL (string_to_array(unread, ','))
) lacking
WHERE action_id IS NULL AND code <> '' AND missing <> ''
    AND NOT EXISTS (
        SELECT FROM roster_new_action action WHERE action.action_key = claim.action_key
    )
ON CONFLICT DO NOTHING
"""

SPREAD_TROUBLES = """
INSERT INTO roster_trouble (line, "column", value, reason)
SELECT r.line, t."column", t.value, t.reason
FROM roster_row r JOIN roster_claim_trouble t USING (claim)
ORDER BY r.line, t.seq
"""

DROP_BAD_ROWS = """
DELETE FROM roster_row r USING roster_trouble t WHERE t.line = r.line
"""

COUNT_REJECTED = "SELECT count(DISTINCT line) FROM roster_trouble"
COUNT_READ = "SELECT count(*) FROM roster_row"
TROUBLES = """
SELECT line, "column", value, reason FROM roster_trouble ORDER BY line, seq LIMIT %(limit)s
"""

JUDGE = (
    REPEATED,
    FIRST_LINES,
    OUT_OF_SCOPE,
    CONTRADICTS_STORED_ACTION,
    CONTRADICTS_STORED_COURSE,
    UNKNOWN_OTEC,
    NEW_ACTIONS,
    CONTRADICTS_NEW_ACTION,
    NEW_COURSES,
    CONTRADICTS_NEW_COURSE,
    DROP_REFUSED_ACTIONS,
    UNKNOWN_ACTION,
    SPREAD_TROUBLES,
    "ANALYZE roster_trouble",
    DROP_BAD_ROWS,
)

CREATE_COURSES = """
INSERT INTO courses_course (otec_id, name, training_line, sence_code)
SELECT otec_id, name, training_line, sence_code FROM roster_new_course ORDER BY first_line
"""
CREATE_ACTIONS = """
INSERT INTO courses_action (course_id, code, starts_on, ends_on, environment, close_required)
SELECT claim.course_id, new.code, new.starts_on, new.ends_on,
    coalesce(nullif(new.environment, ''), 'production'), true
FROM roster_new_action new JOIN roster_claim claim USING (claim)
ORDER BY new.first_line
"""
COUNT_DEFAULT_ENVIRONMENT = "SELECT count(*) FROM roster_new_action WHERE environment = ''"

# Of several rows of one person, the last that says something; a name with its surnames first.
# Who exists is found before anything is written: an INSERT that looks for them in the table that
# it fills may read that table again, longer, for each row. A student is shared whom an OTEC
# enrolled that the one who loads doesn't work for: what is stored is neither changed nor shown.
PEOPLE = """
CREATE TEMP TABLE roster_person ON COMMIT DROP AS
SELECT said.*, student.id AS student_id,
    %(is_limited)s AND EXISTS (
        SELECT FROM courses_enrolment enrolment
        JOIN courses_action action ON action.id = enrolment.action_id
        JOIN courses_course course ON course.id = action.course_id
        WHERE enrolment.student_id = student.id
            AND course.otec_id NOT IN (SELECT id FROM roster_otec)
    ) AS is_shared
FROM (
    SELECT run,
        (array_agg(given_names ORDER BY surnames = '', line DESC)
            FILTER (WHERE given_names <> ''))[1] AS given_names,
        (array_agg(surnames ORDER BY line DESC) FILTER (WHERE surnames <> ''))[1] AS surnames,
        (array_agg(email ORDER BY line DESC) FILTER (WHERE email <> ''))[1] AS email
    FROM roster_row
    GROUP BY run
) said
LEFT JOIN courses_student student USING (run)
"""
# A full name in one cell that says what is stored in two changes nothing.
UPDATE_STUDENTS = """
WITH news AS (
    SELECT student.id,
        CASE
            WHEN person.given_names IS NULL OR person.surnames IS NULL
                AND pg_temp.fold(person.given_names) IN (
                    pg_temp.fold(student.given_names || ' ' || student.surnames),
                    pg_temp.fold(student.surnames || ' ' || student.given_names)
                )
            THEN student.given_names ELSE person.given_names
        END AS given_names,
        coalesce(person.surnames, student.surnames) AS surnames,
        coalesce(person.email, student.email) AS email,
        trim(student.given_names || ' ' || student.surnames) AS before
    FROM roster_person person JOIN courses_student student ON student.id = person.student_id
    WHERE NOT person.is_shared
),
changed AS (
    UPDATE courses_student student
    SET given_names = news.given_names, surnames = news.surnames, email = news.email
    FROM news
    WHERE news.id = student.id AND (student.given_names, student.surnames, student.email)
        IS DISTINCT FROM (news.given_names, news.surnames, news.email)
    RETURNING student.id, news.before
)
INSERT INTO roster_changed_student SELECT id, before FROM changed
"""
CREATE_STUDENTS = """
INSERT INTO courses_student (run, given_names, surnames, email)
SELECT run, coalesce(given_names, ''), coalesce(surnames, ''), coalesce(email, '')
FROM roster_person WHERE student_id IS NULL
ON CONFLICT (run) DO NOTHING
"""

COUNT_SHARED = """
SELECT count(*) FROM roster_person
WHERE is_shared AND coalesce(given_names, surnames, email) IS NOT NULL
"""

ENROLMENTS = """
CREATE TEMP TABLE roster_enrolment ON COMMIT DROP AS
SELECT r.line, student.id AS student_id, claim.action_id, r.is_exempt, enrolment.id AS enrolment_id
FROM roster_row r
JOIN roster_claim claim USING (claim)
JOIN courses_student student USING (run)
LEFT JOIN courses_enrolment enrolment
    ON enrolment.student_id = student.id AND enrolment.action_id = claim.action_id
"""
WRITE_PEOPLE = (
    PEOPLE,
    "ANALYZE roster_person (run, student_id)",
    UPDATE_STUDENTS,
    CREATE_STUDENTS,
    ENROLMENTS,
    "ANALYZE roster_enrolment",
)

UPDATE_ENROLMENTS = """
WITH changed AS (
    UPDATE courses_enrolment enrolment
    SET is_exempt = coalesce(r.is_exempt, enrolment.is_exempt), withdrawn_at = NULL
    FROM roster_enrolment r
    WHERE enrolment.id = r.enrolment_id
        AND (enrolment.withdrawn_at IS NOT NULL OR enrolment.is_exempt <> r.is_exempt)
    RETURNING enrolment.id
)
INSERT INTO roster_changed_enrolment SELECT id FROM changed
"""
COUNT_UPDATED = """
SELECT count(*) FROM roster_enrolment
WHERE enrolment_id IN (SELECT id FROM roster_changed_enrolment)
    OR enrolment_id IS NOT NULL AND student_id IN (SELECT id FROM roster_changed_student)
"""
CREATE_ENROLMENTS = """
INSERT INTO courses_enrolment (student_id, action_id, is_exempt)
SELECT student_id, action_id, coalesce(is_exempt, false)
FROM roster_enrolment WHERE enrolment_id IS NULL
ORDER BY line
ON CONFLICT (student_id, action_id) DO NOTHING
"""

# What the first rows that change something do, for a preview. They are chosen before they are
# joined: with the limit at the end, PostgreSQL looks through all people for each row.
CHANGES = """
WITH first AS MATERIALIZED (
    SELECT * FROM roster_enrolment
    WHERE enrolment_id IS NULL
        OR enrolment_id IN (SELECT id FROM roster_changed_enrolment)
        OR student_id IN (SELECT id FROM roster_changed_student)
    ORDER BY line LIMIT %(limit)s
)
SELECT first.line, student.run,
    CASE WHEN person.is_shared THEN concat_ws(' ', person.given_names, person.surnames)
        ELSE trim(student.given_names || ' ' || student.surnames)
    END,
    action.code, course.name, first.enrolment_id IS NULL,
    coalesce(
        nullif(changed.before, trim(student.given_names || ' ' || student.surnames)), ''
    )
FROM first
JOIN courses_student student ON student.id = first.student_id
JOIN roster_person person USING (run)
JOIN courses_action action ON action.id = first.action_id
JOIN courses_course course ON course.id = action.course_id
LEFT JOIN roster_changed_student changed ON changed.id = student.id
ORDER BY first.line
"""
KEEP_ACTIONS = """
INSERT INTO courses_rosterimport_actions (rosterimport_id, action_id)
SELECT DISTINCT %(roster_import)s::bigint, action_id FROM roster_enrolment
"""
KEEP_TROUBLES = """
INSERT INTO courses_rejectedrow (roster_import_id, line, "column", value, reason)
SELECT %(roster_import)s, line, "column", value, reason FROM roster_trouble ORDER BY line, seq
"""
