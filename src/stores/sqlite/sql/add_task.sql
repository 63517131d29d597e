-- A new task.
-- 1 id, 2 queue, 3 kind, 4 state, 5 priority, 6 run_at, 7 payload, 8 content_type, 9 created_at, 10 max_attempts,
-- 11 retry, 12 timeout_ns, 13 max_elapsed_ns, 14 expires_at, 15 ephemeral, 16 name, 17 tags, 18 metadata,
-- 19 unique_key, 20 unique_states, 21 unique_until, 22 unique_held, 23 schedule, 24 slot
-- Ids are given by the owner, in order, so that the row goes to the end of the table.
insert into tasks (id, queue, kind, state, priority, run_at, payload, content_type, created_at, max_attempts, retry,
                   timeout_ns, max_elapsed_ns, expires_at, ephemeral, name, tags, metadata, unique_key, unique_states,
                   unique_until, unique_held, schedule, slot)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
        ?23, ?24);
