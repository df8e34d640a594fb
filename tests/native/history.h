// What is learnt of a launch that one thread runs as a whole.
#pragma once

namespace native {

// Of a chunked one, too, whose chunks are then one piece: how long it takes, whichever is timed.
void check_time_of_a_launch_in_one_piece();

}  // namespace native
