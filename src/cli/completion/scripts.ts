/**
 * What each shell sources. A script hands over the words up to the cursor, each as one argument, and never evaluates what was
 * typed or answered; what may follow is for `complete.ts` to say. (The scripts of @bomb.sh/tab run `eval` on the words in bash,
 * need the package bash-completion there, and fill the user's shell with read-only variables.)
 *
 * The answer is a line `words` or `files`, then a candidate a line, with its help behind a tab where the shell shows one.
 */

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What a script runs: `edge-lb __complete SHELL WORD...`, the last word being the one at the cursor. */
export const COMPLETE = "__complete";

const BASH = `# bash completion for edge-lb: source <(edge-lb completion bash)
_edge_lb() {
    local answer line
    COMPREPLY=()
    answer=$("\${1/#\\~/$HOME}" ${COMPLETE} bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return 0
    if [[ $answer == files* ]]; then
        compopt -o default 2>/dev/null
        return 0
    fi
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("$line")
    done <<<"\${answer#words}"
    # a value follows at once
    [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _edge_lb edge-lb
`;

const ZSH = `#compdef edge-lb
# zsh completion for edge-lb: a file _edge-lb in $fpath, or source <(edge-lb completion zsh) after compinit
_edge-lb() {
    local -a answer spaced open
    local line
    answer=("\${(@f)$("\${words[1]/#\\~/$HOME}" ${COMPLETE} zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ $answer[1] == files ]]; then
        compset -P '*='
        _files
        return
    fi
    for line in "\${(@)answer[2,-1]}"; do
        [[ -n $line ]] || continue
        line=\${line//:/\\\\:}
        # a value follows at once
        if [[ \${line%%$'\\t'*} == *[=/] ]]; then open+=("\${line/$'\\t'/:}"); else spaced+=("\${line/$'\\t'/:}"); fi
    done
    local found=1
    (( $#spaced )) && _describe -t values edge-lb spaced && found=0
    (( $#open )) && _describe -t values edge-lb open -S '' && found=0
    return found
}
if [[ $funcstack[1] == _edge-lb ]]; then
    _edge-lb "$@"
elif (( $+functions[compdef] )); then
    compdef _edge-lb edge-lb
fi
`;

const FISH = `# fish completion for edge-lb: edge-lb completion fish | source
function __edge_lb_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] ${COMPLETE} fish $words[2..-1] "$current" 2>/dev/null)
    if test "$answer[1]" = files
        set -l flag (string match -r -- '^-.*=' "$current")
        printf "$flag%s\\n" (__fish_complete_path (string replace -r -- '^-.*=' '' "$current"))
    else
        printf '%s\\n' $answer[2..-1]
    end
end
complete -c edge-lb -f -a '(__edge_lb_complete)'
`;

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
