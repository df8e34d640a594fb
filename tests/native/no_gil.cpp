// csrc/system/gil.cpp where there is no Python: no thread ever has its GIL.
#include "system/gil.h"

namespace ompsafe {

WithoutGil::WithoutGil() = default;
WithoutGil::~WithoutGil() { static_cast<void>(saved_); }

}  // namespace ompsafe
