// The tiles of FlashAttention-2 on a chip with 227 KiB of shared memory a block: the same in every
// build of its sources.
//
// flash-attention 2.7.4 has a kernel for head size 160 with 32 keys a tile; what PyTorch 2.11 ships
// does not use one: sizes 144 and 160 run as 192 (data/captures/h200_fa2_corners). Later sources
// have none. Limits: no dropout. Tested by tests/captured/fa2_torch_test.cpp.
#pragma once

#include "ulpscope/attention/tile_row.hpp"

#include <array>

namespace ulpscope::fa2 {

inline constexpr std::array normal_tiles{
    TileRow{.largest_dim = 32, .rows = 128, .keys = 128},
    TileRow{.largest_dim = 64, .rows = 128, .keys = 128},
    TileRow{.largest_dim = 128, .rows = 128, .keys = 64},
    TileRow{.largest_dim = 192, .rows = 128, .keys = 64},
    TileRow{.largest_dim = 256, .rows = 64, .keys = 64},
};

inline constexpr std::array split_tiles{
    TileRow{.largest_dim = 64, .rows = 64, .keys = 256},
    TileRow{.largest_dim = 128, .rows = 64, .keys = 128},
    TileRow{.largest_dim = 256, .rows = 64, .keys = 64},
};

}  // namespace ulpscope::fa2
