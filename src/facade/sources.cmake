set(PROCPOOL_FACADE_SOURCES
    facade/encoded_items.cpp
    facade/error.cpp
    facade/item_flow.cpp
    facade/own_thread.cpp
    facade/post_mortem.cpp
    facade/process_pool.cpp
    facade/waiting.cpp)
