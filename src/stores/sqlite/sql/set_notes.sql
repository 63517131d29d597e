-- What a running attempt says of itself; null leaves it as it is.
-- 1 id, 2 progress_done, 3 progress_total, 4 progress_note, 5 metadata, 6 log
update errand_enqueued
set progress_done = coalesce(?2, progress_done), progress_total = coalesce(?3, progress_total),
    progress_note = coalesce(?4, progress_note), metadata = coalesce(?5, metadata), log = coalesce(?6, log)
where id = ?1;
