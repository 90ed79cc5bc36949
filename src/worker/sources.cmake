set(PROCPOOL_WORKER_SOURCES
    worker/current_task.cpp
    worker/init.cpp
    worker/recorded_call.cpp
    worker/serve.cpp
    worker/worker_mode.cpp)
