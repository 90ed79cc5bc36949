// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_PROCPOOL_HPP
#define PROCPOOL_PROCPOOL_HPP

// All of the library.

#include <procpool/as_completed.hpp>
#include <procpool/available_parallelism.hpp>
#include <procpool/batch_options.hpp>
#include <procpool/bind.hpp>
#include <procpool/bound_call.hpp>
#include <procpool/error.hpp>
#include <procpool/exception.hpp>
#include <procpool/init.hpp>
#include <procpool/outcome.hpp>
#include <procpool/output.hpp>
#include <procpool/pool_options.hpp>
#include <procpool/pool_stats.hpp>
#include <procpool/post_mortem.hpp>
#include <procpool/process_pool.hpp>
#include <procpool/progress.hpp>
#include <procpool/result_stream.hpp>
#include <procpool/shared_buffer.hpp>
#include <procpool/submission.hpp>
#include <procpool/task_handle.hpp>
#include <procpool/this_task.hpp>
#include <procpool/this_worker.hpp>
#include <procpool/worker_event.hpp>

#endif
