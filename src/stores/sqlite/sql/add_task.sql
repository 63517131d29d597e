-- A new task.
-- 1 id, 2 queue, 3 kind, 4 state, 5 priority, 6 run_at, 7 payload, 8 content_type, 9 created_at, 10 max_attempts,
-- 11 tied, 12 retry, 13 timeout_ns, 14 max_elapsed_ns, 15 ephemeral, 16 name, 17 tags, 18 metadata
-- Ids are given by the owner, in order, so that the row goes to the end of the table.
insert into errand_enqueued (id, queue, kind, state, priority, run_at, payload, content_type, created_at, max_attempts,
                             tied, retry, timeout_ns, max_elapsed_ns, ephemeral, name, tags, metadata)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18);
