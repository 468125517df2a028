#include "cli/completion.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/complete.h"
#include "cli/config_client.h"
#include "cli/context.h"
#include "cli/context_store.h"
#include "cli/get.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// Connecting and asking get one half each of what a person does not notice: 300 ms.
constexpr char kHalfOfPatience[] = "150ms";

// Bash splits words at ':' and '=' as well, so the line is split here, at blanks. Where nothing
// fits, bash goes on with files.
constexpr char kBash[] = R"sh(# bash completion of lbctl: source <(lbctl completion bash)
_lbctl() {
  local line="${COMP_LINE:0:COMP_POINT}" words
  read -r -a words <<< "$line"
  [[ "$line" == *' ' ]] && words+=("")
  mapfile -t COMPREPLY < <("$1" __complete "${words[@]:1}" 2>/dev/null)
  # What bash takes for the word begins behind its last break.
  local last="${words[-1]}" part
  part="${last##*["$COMP_WORDBREAKS"]}"
  [[ -n "$COMP_WORDBREAKS" ]] && COMPREPLY=("${COMPREPLY[@]#"${last%"$part"}"}")
}
complete -o default -F _lbctl lbctl
)sh";

constexpr char kZsh[] = R"sh(#compdef lbctl
# zsh completion of lbctl: source <(lbctl completion zsh)
_lbctl() {
  local -a replies
  replies=(${(f)"$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( ${#replies} )); then compadd -a replies; else _files; fi
}
compdef _lbctl lbctl
)sh";

constexpr char kFish[] = R"sh(# fish completion of lbctl: lbctl completion fish | source
function __lbctl_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l replies ($words[1] __complete $words[2..-1] 2>/dev/null)
  if set -q replies[1]
    string join \n -- $replies
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c lbctl -f -a '(__lbctl_complete)'
)sh";

// A shell puts candidates on the command line as they are: nothing that it would take for syntax.
bool IsSafe(const std::string& word) {
  for (const char c : word)
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("-_./:@=[]").find(c) == std::string_view::npos)
      return false;
  return !word.empty();
}

// The name as it is written after its type, or with it.
std::string Written(Type type, const std::string& name, bool typed) {
  std::string text = Leaf(name);
  if (type == Type::kBackend) text = absl::StrCat(RuleOf(name), "/", text);
  return typed ? absl::StrCat(Plural(type), "/", text) : text;
}

absl::StatusOr<std::vector<std::string>> AskRevisions(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const std::vector<api::Config> configs, client->List());
  std::vector<std::string> numbers;
  for (const api::Config& config : configs) numbers.push_back(absl::StrCat(config.revision()));
  return numbers;
}

absl::StatusOr<std::vector<std::string>> AskNames(const Completion& completion,
                                                  const GetEnv& get_env) {
  GlobalFlags flags = completion.flags;
  flags.timeout = kHalfOfPatience;
  LB_ASSIGN_OR_RETURN(const ChosenContext context, ChooseContext(flags, get_env));
  LB_ASSIGN_OR_RETURN(const Globals globals, Resolve(flags, WithContext(get_env, context), false));
  if (completion.revisions) return AskRevisions(globals);
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  Selection selection;
  selection.type = *completion.names;
  LB_ASSIGN_OR_RETURN(const Found found, Fetch(*client, selection));
  std::vector<std::string> names;
  for (const Item& item : found.items)
    names.push_back(Written(selection.type, NameOf(item), completion.typed));
  return names;
}

}  // namespace

absl::StatusOr<ExitCode> RunCompletion(const std::string& shell) {
  const std::vector<std::string> known = {"bash", "zsh", "fish"};
  if (shell != "bash" && shell != "zsh" && shell != "fish")
    return UsageError(absl::StrCat("no completion for '", Escape(shell), "'"),
                      absl::StrCat("shells are bash, zsh, fish; ", DidYouMean(shell, known)));
  WriteOut(shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish);
  return ExitCode::kDone;
}

void RunComplete(const std::vector<std::string>& words, const GetEnv& get_env) {
  Completion completion = Complete(words);
  if (completion.names.has_value() || completion.revisions) {
    // No server, no names: the rest of the line can still be typed.
    const auto names = AskNames(completion, get_env);
    if (names.ok()) completion.words.insert(completion.words.end(), names->begin(), names->end());
  }
  if (completion.contexts) completion.words = ContextNames(completion.flags, get_env);
  std::string out;
  for (const std::string& candidate : completion.words) {
    const std::string word = completion.prefix + candidate;
    if (IsSafe(word) && word.rfind(words.back(), 0) == 0) absl::StrAppend(&out, word, "\n");
  }
  WriteOut(out);
}

}  // namespace lb::cli
