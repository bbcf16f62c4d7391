-- Fills an empty, migrated database with as many as asked for sessions of invented people, the same ones at
-- every run. Triggers and foreign keys are off: the rows fit each other by construction.
SET session_replication_role = replica;
SET max_parallel_workers_per_gather = 0;
SELECT setseed(0.42);

CREATE FUNCTION pg_temp.run(number integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT number || '-' || CASE 11 - sum(digit::integer * (2 + (place - 1) %% 6)) %% 11
        WHEN 11 THEN '0' WHEN 10 THEN 'k'
        ELSE (11 - sum(digit::integer * (2 + (place - 1) %% 6)) %% 11)::text END
    FROM string_to_table(reverse(number::text), NULL) WITH ORDINALITY AS digits (digit, place)
$$;

-- 0 to n - 1, the small ones far more often.
CREATE FUNCTION pg_temp.skewed(n bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT floor(n * power(random(), 2))::bigint
$$;

INSERT INTO courses_otec (name, rut, token_ciphertext, alert_emails)
SELECT 'OTEC ' || i, pg_temp.run(76000000 + i), %(token)s, ''
FROM generate_series(1, 20) i;

INSERT INTO courses_course (otec_id, name, training_line, sence_code)
SELECT 1 + pg_temp.skewed(20), 'Curso ' || i, 3, 'C' || lpad(i::text, 9, '0')
FROM generate_series(1, 400) i;

-- Three years of actions of sixty days; the last tenth of them runs today.
INSERT INTO courses_action (course_id, code, starts_on, ends_on, environment, close_required)
SELECT 1 + pg_temp.skewed(400), 'ACCION' || lpad(i::text, 7, '0'), day, day + 60, 'production',
    i %% 20 <> 0
FROM (
    SELECT i, current_date - (random() * CASE WHEN i %% 10 = 0 THEN 50 ELSE 1000 END)::integer AS day
    FROM generate_series(1, greatest(50, %(sessions)s / 400)) i
) actions;

INSERT INTO courses_student (run, given_names, surnames, email)
SELECT pg_temp.run(5000000 + i),
    (ARRAY['Ana', 'José', 'María', 'Luis', 'Camila', 'Pedro', 'Rosa', 'Diego', 'Elena', 'Iván'])[
        1 + pg_temp.skewed(10)],
    (ARRAY['González', 'Muñoz', 'Rojas', 'Díaz', 'Pérez', 'Soto', 'Contreras', 'Silva'])[
        1 + pg_temp.skewed(8)] || ' ' || initcap(substr(md5(i::text), 1, 6)),
    CASE WHEN random() < 0.8 THEN 'alumno' || i || '@example.com' ELSE '' END
FROM generate_series(1, greatest(500, %(sessions)s / 10)) i;

-- Written once it is known who connected: a row that is changed later leaves a hole.
CREATE TEMPORARY TABLE enrolled AS
SELECT row_number() OVER (ORDER BY student, action) AS id, student AS student_id,
    action AS action_id, random() < 0.02 AS is_exempt
FROM (
    SELECT DISTINCT student.id AS student,
        1 + pg_temp.skewed((SELECT count(*) FROM courses_action)) AS action
    FROM courses_student student, generate_series(1, 3)
    ORDER BY 1, 2
) chosen;
ANALYZE enrolled, courses_action, courses_student;

CREATE TEMPORARY TABLE made AS
SELECT i, enrolment, mood, md5('session' || i) AS digest,
    now() - interval '1 day' - random() * interval '1000 days' AS at
FROM (
    SELECT i, 1 + floor(random() * (SELECT count(*) FROM enrolled))::bigint AS enrolment,
        random() AS mood
    FROM generate_series(1, %(sessions)s - %(live)s) i
) past
UNION ALL
-- Those of this very morning: one an enrolment.
SELECT %(sessions)s - %(live)s + id, id, 2, md5('live' || id), now() - random() * interval '2 hours'
FROM enrolled WHERE id <= %(live)s;

INSERT INTO attendance_attendancesession (
    enrolment_id, public_id, nonce, otec_id, environment, course_name, close_required, otec_rut,
    sence_code, action_code, training_line, run, student_session_id, requested_at, opened_at,
    closed_at, rejected_at, superseded_at, sence_session_id, opened_sence_time, opened_sence_zone,
    closed_sence_time, closed_sence_zone, error_glosa, error_phase, error_at, resolved_at,
    resolved_by_id, resolution
)
SELECT made.enrolment, made.digest::uuid, substr(made.digest, 1, 24), otec.id, action.environment,
    course.name, action.close_required, otec.rut, course.sence_code, action.code,
    course.training_line, student.run, made.digest::uuid::text, made.at,
    CASE WHEN made.mood >= 0.04 THEN made.at + interval '1 minute' END,
    CASE WHEN made.mood BETWEEN 0.07 AND 1 THEN
        made.at + interval '1 minute' + (0.2 + random() * 2.7) * interval '1 hour' END,
    CASE WHEN made.mood < 0.03 THEN made.at + interval '1 minute' END,
    CASE WHEN made.mood BETWEEN 0.03 AND 0.07 THEN made.at + interval '1 day' END,
    CASE WHEN made.mood >= 0.04 THEN made.i::text ELSE '' END,
    CASE WHEN made.mood >= 0.04 THEN to_char(made.at, 'YYYY-MM-DD HH24:MI:SS') ELSE '' END,
    CASE WHEN made.mood >= 0.04 THEN 'America/Santiago' ELSE '' END,
    '', '',
    CASE WHEN made.mood < 0.03 THEN
        (ARRAY['311', '309', '208', '301', '305'])[1 + pg_temp.skewed(5)] ELSE '' END,
    CASE WHEN made.mood < 0.03 THEN 'open' ELSE '' END,
    CASE WHEN made.mood < 0.03 THEN made.at + interval '1 minute' END,
    NULL, NULL, ''
FROM made
JOIN enrolled enrolment ON enrolment.id = made.enrolment
JOIN courses_student student ON student.id = enrolment.student_id
JOIN courses_action action ON action.id = enrolment.action_id
JOIN courses_course course ON course.id = action.course_id
JOIN courses_otec otec ON otec.id = course.otec_id
ORDER BY made.i;

INSERT INTO courses_enrolment (student_id, action_id, is_exempt, created_at, connected_at)
SELECT student_id, action_id, is_exempt, now() - interval '1 day', first.opened_at
FROM enrolled
LEFT JOIN (
    SELECT enrolment_id, min(opened_at) AS opened_at
    FROM attendance_attendancesession GROUP BY enrolment_id
) first ON first.enrolment_id = enrolled.id
ORDER BY id;

INSERT INTO attendance_sencecallback (
    receipt_id, received_at, public_id, phase, announces_error, body, body_length, content_type, origin
)
SELECT md5(phase || session.id)::uuid, at, session.public_id, phase, is_error,
    convert_to(body, 'UTF8'), length(body), 'application/x-www-form-urlencoded',
    'https://sistemas.sence.cl'
FROM attendance_attendancesession session
CROSS JOIN LATERAL (VALUES
    ('open', coalesce(session.opened_at, session.rejected_at), session.opened_at IS NULL),
    ('close', session.closed_at, false)
) AS answer (phase, at, is_error)
CROSS JOIN LATERAL (SELECT concat(
    'CodSence=', session.sence_code, '&CodigoCurso=', session.action_code,
    '&IdSesionAlumno=', session.student_session_id, '&RunAlumno=', session.run,
    '&IdSesionSence=', session.sence_session_id, '&FechaHora=', to_char(at, 'YYYY-MM-DD+HH24:MI:SS'),
    '&ZonaHoraria=America/Santiago&LineaCapacitacion=3',
    CASE WHEN is_error THEN '&GlosaError=' || session.error_glosa END
) AS body) AS made
WHERE at IS NOT NULL
ORDER BY at;

INSERT INTO attendance_callbackverdict (callback_id, session_id, decided_at, outcome, reason, glosa)
SELECT callback.id, session.id, callback.received_at,
    CASE WHEN callback.announces_error THEN 'rejected'
        WHEN callback.phase = 'open' THEN 'opened' ELSE 'closed' END,
    '', session.error_glosa
FROM attendance_sencecallback callback
JOIN attendance_attendancesession session ON session.public_id = callback.public_id
ORDER BY callback.id;

DROP TABLE made, enrolled;
ANALYZE;
