# SPDX-License-Identifier: ISC
# bash completion for ringdown(1); goes to
# /usr/share/bash-completion/completions/ringdown

_ringdown_peers() {
	ringdown pair list --json 2> /dev/null |
		grep -o '"peer": *"[a-z0-9.-]*"' | sed 's/.*"\([^"]*\)"$/\1/'
}

_ringdown_lines() {
	ringdown line list --json 2> /dev/null |
		grep -o '"line": *"[a-z0-9-]*"' | sed 's/.*"\([^"]*\)"$/\1/' | sort -u
}

_ringdown() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words=() w skip=

	# What stands before the cursor and is no option or an option's value
	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ $skip ]]; then
			skip=
			continue
		fi
		case $w in
		-c | -n | -o | -p | -s | --conf | --number | --output | \
			--precedence | --subject | --socket | --as | --id | \
			--wait | --bulk | --own-serial | --from | --after | \
			--media | --name | --dir | --day | --line | --lang | \
			--dossier | --peer | --side | --reason | --until) skip=1 ;;
		-*) ;;
		*) words+=("$w") ;;
		esac
	done

	COMPREPLY=()
	case $prev in
	-p | --precedence)
		mapfile -t COMPREPLY < <(compgen -W \
			'routine priority immediate flash' -- "$cur")
		return ;;
	--wait)
		mapfile -t COMPREPLY < <(compgen -W 'stored acked held' -- "$cur")
		return ;;
	-c | --conf | -o | --output | --bulk | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	--line)
		mapfile -t COMPREPLY < <(compgen -W "$(_ringdown_lines)" -- "$cur")
		return ;;
	--peer)
		mapfile -t COMPREPLY < <(compgen -W "$(_ringdown_peers)" -- "$cur")
		return ;;
	--lang)
		mapfile -t COMPREPLY < <(compgen -W 'en ko' -- "$cur")
		return ;;
	--dir | --dossier)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return ;;
	esac
	if [[ $cur == -* ]]; then
		local more=
		case ${words[0]-} in
		status) more='-w' ;;
		line) more='--peer --reason --until --yes' ;;
		check) more='--peer --drill --refuse --reason --line --csv --svg' ;;
		service) more='--peer' ;;
		statement) more='--day --line --lang --dossier --peer --side' ;;
		send) more='-s -p --line --id --wait --bulk --document --media --name' ;;
		inbox | outbox) more='-n --after' ;;
		show) more='-o --peek' ;;
		record) more='-n --from --no-bodies' ;;
		pair) more='--yes --own-serial' ;;
		init) more='--dir' ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W \
			"-c --socket --as --json --help $more" -- "$cur")
		return
	fi
	case ${#words[@]}:${words[*]:0:2} in
	0:*) w='status send inbox outbox show line check service metrics
		record statement verify pair init check-config version help' ;;
	1:line) w='list show text propose accept decline withdraw close suspend
		fault open history' ;;
	1:check) w='run attend stats' ;;
	1:service) w='say follow' ;;
	2:line\ propose)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	2:line\ list) return ;;
	2:line\ * | 2:check\ run | 2:check\ attend) w=$(_ringdown_lines) ;;
	1:pair) w='card add confirm revoke vouch list' ;;
	1:record) w='list follow entry export' ;;
	1:send | 1:inbox | 1:outbox | 1:show | \
		2:pair\ confirm | 2:pair\ revoke | 2:pair\ vouch | 2:record\ *)
		w=$(_ringdown_peers) ;;
	2:show\ * | 3:record\ entry) w='in out' ;;
	2:send\ * | 2:pair\ add)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	1:verify | 3:record\ export)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return ;;
	*) return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$w" -- "$cur")
}
complete -F _ringdown ringdown
