#include "team/share.h"

#include <algorithm>
#include <cstdint>

#include "openmp/runtime.h"
#include "system/platform.h"
#include "system/thread_exit.h"
#include "system/thread_state.h"
#include "team/at_work.h"
#include "team/board.h"
#include "team/crew.h"
#include "threads/cores.h"
#include "threads/thread_supply.h"
#include "work/history.h"
#include "work/slots.h"

namespace ompsafe {
namespace {

// How many helpers there are cores for.
unsigned with_cores(unsigned helpers) {
  return std::min<unsigned>(helpers, std::max(0, cores::count() - at_work::threads()));
}

// Its core is free meanwhile. The kernel that made the launch has not waited for anything.
void sleep_until_done(Post& post) {
  at_work::pause();
  crew::core_is_free();
  if (!post.sleep_until_done()) at_work::go_on();
  ++this_thread.own_waits;
}

// The caller of an outermost launch helps meanwhile with those inside of it.
void wait(Post& post, bool inside) {
  unsigned from = post.number();
  const Claimant who{.inside = post.number()};
  std::int64_t begin = platform::clock_ns();
  while (!post.all_done()) {
    const Board::Claim claim = inside ? Board::Claim{} : Board::claim(from, who);
    if (claim.post != nullptr) {
      Board::run(claim, who);
      begin = platform::clock_ns();
    } else if (platform::clock_ns() - begin > crew::kUsualWake) {
      sleep_until_done(post);
    } else {
      platform::pause();
    }
  }
}

// Nobody is to touch the launch once its caller's stack is gone. What nobody has begun is not run.
void leave(Post& post, unsigned own, bool inside) {
  if (!inside) Board::helper_ends();
  if (const std::uint32_t undone = own + post.withdraw()) post.done(undone);
  wait(post, /*inside=*/true);
  post.take_down();
  if (!inside) at_work::launch_ends_with_thread();
}

void run_posted(const Runtime& runtime, Launch& launch, const history::Known& known,
                unsigned helpers, bool inside) {
  const unsigned wanted = known.computing ? with_cores(helpers) : helpers;
  Post* post = Board::put(launch, !known.computing);
  if (post == nullptr) {
    launch.run_in_turn();
    return;
  }
  const bool watch = wanted < helpers && known.ns > crew::kLookAgain;
  if (wanted != 0 || watch) {
    const unsigned had = crew::call(runtime, wanted, watch);
    if (had == wanted) {
      thread_supply::had_all(wanted + 1);
    } else if (thread_supply::expected(1) == 0) {
      thread_supply::had_fewer(wanted + 1, had + 1);
    }
  }
  volatile unsigned own = 1;  // that it has claimed, and not said to be done
  const auto run = [&] {
    std::size_t slot = launch.slots_done();
    launch.run_slot(slot);
    while (post->claim(slot, {.is_caller = true}) != nullptr) {
      own = own + 1;
      launch.run_slot(slot);
    }
    const unsigned done = own;
    own = 0;
    post->done(done);
    wait(*post, inside);
  };
  unless_thread_ends(run, [&] { leave(*post, own, inside); });
  post->take_down();
}

}  // namespace

void share(const Runtime& runtime, Launch& launch, const history::Known& known, unsigned threads,
           bool inside) {
  threads = std::min<unsigned>(threads, runtime.get_thread_limit());
  threads = std::min<unsigned>(threads, launch.slots() - launch.slots_done());
  if (threads <= 1) {
    launch.run_in_turn();
    return;
  }
  if (!inside) at_work::begin_launch(1);
  run_posted(runtime, launch, known, threads - 1, inside);
  if (!inside) at_work::end_launch(1);
}

}  // namespace ompsafe
