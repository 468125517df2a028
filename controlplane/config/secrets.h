// Secrets that stand in a configuration's text itself: hidden wherever the text is shown.
//
// What ${VAR} or ${file:...} refers to is not in the text. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>

namespace lb::controlplane {

// What stands in the place of a secret.
inline constexpr std::string_view kHiddenSecret = "hidden-secret";

// Returns `text` with the values of keys that the table marks as secret replaced; text that is no
// YAML has none that could be known, so it comes back as nothing but a comment.
std::string HideSecrets(std::string_view text);

// Returns `text` with each character of a secret, and of what repeats it, as '*': as many, so that
// lines and columns stay what they were. In text that is no good YAML it cannot be known what is
// one, so all that follows the first key of that name is taken for one.
std::string MaskSecrets(std::string_view text);

// Whether `text` has a hidden secret in the place of a real one: it was read back and would destroy
// the secret.
bool HasHiddenSecret(std::string_view text);

}  // namespace lb::controlplane
