-- New tasks.
-- 1 id, 2 queue, 3 kind, 4 state, 5 priority, 6 run_at, 7 payload, 8 content_type, 9 created_at, 10 max_attempts,
-- 11 tied, 12 retry, 13 timeout_ns, 14 max_elapsed_ns, 15 ephemeral, 16 name, 17 tags, 18 metadata
-- Ids are given by the owner, in order, so that the rows go to the end of the table. Fail: what is in stays in when a
-- later one is too large, and no journal is kept so that it could be taken out.
insert or fail into errand_enqueued (id, queue, kind, state, priority, run_at, payload, content_type, created_at,
                                     max_attempts, tied, retry, timeout_ns, max_elapsed_ns, ephemeral, name, tags,
                                     metadata)
select c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18 from errand_given;
