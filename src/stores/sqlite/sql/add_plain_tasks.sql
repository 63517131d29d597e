-- New tasks that have nothing but what each has: columns 1 to 10 of add_tasks.sql.
insert or fail into errand_enqueued (id, queue, kind, state, priority, run_at, payload, content_type, created_at,
                                     max_attempts)
select c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 from errand_given;
