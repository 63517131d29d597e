-- A new schedule, or other terms for the one of its queue and name.
-- 1 queue, 2 name, 3 cron, 4 interval_ns, 5 anchor, 6 time_zone, 7 dst, 8 overlap, 9 missed, 10 catch_up_cap,
-- 11 catch_up_window_ns, 12 jitter_ns, 13 paused, 14 kind, 15 payload, 16 content_type, 17 priority, 18 max_attempts,
-- 19 retry, 20 timeout_ns, 21 max_elapsed_ns, 22 ephemeral, 23 task_name, 24 tags, 25 metadata, 26 unique_key,
-- 27 unique_states, 28 on_clash, 29 created_at, 30 next_slot, 31 version
-- By the primary key. What is not named in the update stays: whether it is paused, and what has happened. On the right
-- of an assignment names mean the row as it was, so that one whose timing is the same keeps its anchor and its slot.
insert into errand_schedules (queue, name, cron, interval_ns, anchor, time_zone, dst, overlap, missed, catch_up_cap,
                       catch_up_window_ns, jitter_ns, paused, kind, payload, content_type, priority, max_attempts,
                       retry, timeout_ns, max_elapsed_ns, ephemeral, task_name, tags, metadata, unique_key,
                       unique_states, on_clash, created_at, next_slot, version)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
        ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)
on conflict (queue, name) do update
set anchor = case when cron is ?3 and interval_ns is ?4 and time_zone is ?6 and dst is ?7 then anchor else ?5 end,
    next_slot = case when cron is ?3 and interval_ns is ?4 and time_zone is ?6 and dst is ?7
                     then coalesce(next_slot, ?30) else ?30 end,
    cron = ?3, interval_ns = ?4, time_zone = ?6, dst = ?7, overlap = ?8, missed = ?9, catch_up_cap = ?10,
    catch_up_window_ns = ?11, jitter_ns = ?12, kind = ?14, payload = ?15, content_type = ?16, priority = ?17,
    max_attempts = ?18, retry = ?19, timeout_ns = ?20, max_elapsed_ns = ?21, ephemeral = ?22, task_name = ?23,
    tags = ?24, metadata = ?25, unique_key = ?26, unique_states = ?27, on_clash = ?28, version = ?31;
