/** The page's style: system fonts, two colour schemes from one set of names, no inline styles anywhere. */

const COLOURS = `
:root{color-scheme:light dark;
--back:light-dark(#f3f5f8,#0f141b);--card:light-dark(#fff,#171d26);--ink:light-dark(#18202c,#e6ebf2);--dim:light-dark(#566072,#9aa7ba);
--rule:light-dark(#e0e5ec,#283140);--edge:light-dark(#848f9f,#69788f);--link:light-dark(#1f55c0,#8ab3ff);
--up:light-dark(#0a6847,#63d4a3);--up-b:light-dark(#e1f4ea,#11302a);
--warn:light-dark(#854600,#f3bb6c);--warn-b:light-dark(#fdf1db,#382911);
--down:light-dark(#ae2119,#ff9d94);--down-b:light-dark(#fde9e7,#43201e);
--calm:light-dark(#55489a,#bcaef6);--calm-b:light-dark(#eeebfa,#2a2549);
--none:light-dark(#566072,#a4b0c2);--none-b:light-dark(#e9edf2,#242d39)}
:root[data-theme=light]{color-scheme:light}:root[data-theme=dark]{color-scheme:dark}
[data-state=up],[data-level=up]{--c:var(--up);--b:var(--up-b)}
[data-state=not-ready],[data-level=degraded],[data-level=waking]{--c:var(--warn);--b:var(--warn-b)}
[data-state=dead],[data-state=foreign],[data-level=down]{--c:var(--down);--b:var(--down-b)}
[data-state=drained]{--c:var(--calm);--b:var(--calm-b)}
[data-state=unknown],[data-level=unknown],[data-level=asleep]{--c:var(--none);--b:var(--none-b)}
`;

const GROUND = `
*{box-sizing:border-box}
html{scroll-padding:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--back);color:var(--ink);font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
h1,h2,h3,h4,p,dl,dd,ul,ol,table{margin:0;padding:0}ul,ol{list-style:none}
h1{font-size:1.2rem;letter-spacing:-.01em}h2{font-size:1rem}h3{font-size:1.05rem}h4{font-size:.86rem;display:flex;flex-wrap:wrap;gap:.3rem .5rem;align-items:center}
small{font-size:.86em;font-weight:400;color:var(--dim)}i{font-style:normal}b{font-weight:650}
code,tbody th,.domain{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
a{color:var(--link);text-underline-offset:.15em}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:4px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:1rem;top:-4rem;padding:.5rem .8rem;background:var(--card);z-index:1}.skip:focus{top:.5rem}
[hidden]{display:none!important}
html:not(.js) .js-only,html.js .no-js{display:none}
.wrap{max-width:118rem;margin:auto;padding:0 1.25rem}
`;

const HEAD = `
.top .wrap{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1rem;padding-top:.9rem;padding-bottom:.9rem}
.top{background:var(--card);border-bottom:1px solid var(--rule)}
.brand{display:flex;align-items:baseline;gap:.5rem;margin-right:auto}
.brand svg{width:1.15rem;height:1.15rem;align-self:center;color:var(--link)}
.live{display:inline-flex;align-items:center;gap:.4rem;color:var(--dim);font-size:.86rem}
.live::before{content:"";width:.55rem;height:.55rem;border-radius:50%;border:2px solid var(--none)}
.live[data-live=on]::before{background:var(--up);border-color:var(--up)}
.live[data-live=lost]{color:var(--down);font-weight:650}.live[data-live=lost]::before{border-color:var(--down);border-radius:0}
button,input[type=search]{font:inherit;color:inherit;background:var(--card);border:1px solid var(--edge);border-radius:7px;padding:.3rem .7rem;min-height:2.1rem}
button{cursor:pointer}button:hover{background:var(--none-b)}
input[type=search]{width:18rem;max-width:100%}
.tools{display:flex;flex-wrap:wrap;align-items:center;gap:.6rem 1rem;margin:1rem 0 .9rem}
.tools output{color:var(--dim);font-size:.86rem}
fieldset{border:0;margin:0;padding:0;min-width:0;display:flex}
fieldset label{position:relative;border:1px solid var(--edge);background:var(--card);padding:.3rem .75rem;margin-left:-1px;min-height:2.1rem;cursor:pointer}
fieldset label:first-of-type{border-radius:7px 0 0 7px;margin:0}fieldset label:last-of-type{border-radius:0 7px 7px 0}
fieldset input{position:absolute;opacity:0;inset:0;margin:0;width:100%;height:100%;cursor:pointer}
fieldset small{color:inherit;opacity:.85}fieldset label:has(:checked){background:var(--ink);color:var(--card);border-color:var(--ink)}
fieldset label:has(:focus-visible){outline:2px solid var(--link);outline-offset:2px;z-index:1}
.overview{display:flex;flex-wrap:wrap;align-items:center;gap:.8rem 2.2rem;margin-top:1.1rem}
.overview dl{display:flex;flex-wrap:wrap;gap:.6rem 2rem}dt{color:var(--dim);font-size:.82rem}
.overview dd b{font-size:1.3rem;font-weight:600;letter-spacing:-.01em}
.overview .charts{flex:1 1 26rem;padding:0}
.warnings{display:grid;gap:.35rem;margin-top:.9rem}
.warnings li{display:flex;gap:.55rem;background:var(--warn-b);color:var(--ink);border-radius:7px;padding:.4rem .7rem;overflow-wrap:anywhere}
.warnings i,.soon i{color:var(--warn);font-weight:800}.warnings a{color:inherit;font-weight:650}
`;

const CARDS = `
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,28rem),1fr));gap:1rem}
.card,.panel{background:var(--card);border:1px solid var(--rule);border-radius:11px;padding:.9rem 1.05rem;min-width:0}
.card{display:flex;flex-direction:column;border-top:3px solid var(--c);scroll-margin-top:1rem}.card:target{outline:2px solid var(--link);outline-offset:2px}
.card header{display:flex;justify-content:space-between;align-items:flex-start;gap:.8rem}
.card header>div{min-width:0;overflow-wrap:anywhere}
.domain{color:var(--dim)}.domain .tag,tbody th .tag{font-family:system-ui,sans-serif}
.level,.state{display:inline-flex;align-items:center;gap:.38rem;color:var(--c);white-space:nowrap;font-weight:600}
.level{background:var(--b);border-radius:99px;padding:.15rem .75rem .15rem .3rem}.level small{color:inherit}
.level i,.state i{display:inline-grid;place-items:center;flex:none;width:1.25em;height:1.25em;border-radius:50%;background:var(--c);color:var(--card);font-size:.82em;font-weight:800;line-height:1}
.state{font-size:.92em}[data-state=dead] i,[data-level=down] i{border-radius:3px}
.tag{display:inline-block;border:1px solid var(--rule);border-radius:4px;padding:0 .3rem;font-size:.78rem;white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.3rem 1.2rem;padding:.75rem 0 .35rem}
.charts p{color:var(--dim);font-size:.86rem;white-space:nowrap}.charts b{color:var(--ink)}
.spark{display:block;width:100%;height:1.9rem;border-bottom:1px solid var(--rule)}.spark path{fill:var(--link);fill-opacity:.13;stroke:var(--link);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.spark .line{fill:none;stroke:var(--link);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}.spark .area{fill:var(--link);opacity:.13}
.pool{padding-top:.65rem}.lead{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:0 .8rem}.short{white-space:nowrap}.how{color:var(--dim);font-size:.84rem;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse;font-size:.88rem;margin-top:.2rem}
th,td{text-align:left;vertical-align:baseline;padding:.24rem .5rem .24rem 0;border-top:1px solid var(--rule);overflow-wrap:anywhere}
thead th{border:0;color:var(--dim);font-weight:400;font-size:.78rem;padding-top:.1rem;padding-bottom:.1rem;overflow-wrap:normal}
tbody th{font-weight:500}td:first-child .state{font-size:1em}
th:last-child,td:last-child{padding-right:0}.n{text-align:right;white-space:nowrap}
.why{font-size:.95em}.why small{display:block}
tr[data-state]:not([data-state=up]) th,tr[data-state]:not([data-state=up]) .why{color:var(--c)}
.pool:last-of-type{margin-bottom:.7rem}.card footer{margin-top:auto;padding-top:.55rem;border-top:1px solid var(--rule);color:var(--dim);font-size:.84rem;display:grid;gap:.1rem;overflow-wrap:anywhere}
.card footer b{color:var(--ink)}.soon{color:var(--warn);font-weight:600}.soon small{color:inherit}.soon i{margin-right:.35rem}
details{margin-top:.3rem;font-size:.88rem}summary{cursor:pointer;color:var(--link);width:fit-content}
.empty{padding:2rem;text-align:center;color:var(--dim);border:1px dashed var(--edge);border-radius:11px}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1rem;align-items:start;margin-top:1rem}
.panel h2{margin-bottom:.35rem}.panel h3{font-size:.86rem;margin:.8rem 0 .2rem}.panel tbody small:not(.tag){display:block}
.panel tbody td{font-size:.92em}
.ends{display:flex;flex-wrap:wrap;gap:.15rem 1.2rem}.ends div{display:flex;gap:.4rem;font-size:.86rem}.ends dt{font-size:inherit}.ends dd{font-weight:650}
.events li{display:flex;gap:.5rem;padding:.24rem 0;border-top:1px solid var(--rule);font-size:.88rem;overflow-wrap:anywhere}.events li:first-child{border:0}
.events time{color:var(--dim);white-space:nowrap}.events i{width:1em;text-align:center;font-weight:800;flex:none}.events span{min-width:0}
[data-log=warn] i{color:var(--warn)}[data-log=error] i{color:var(--down)}
.foot{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding-top:1.2rem;padding-bottom:1.6rem;color:var(--dim);font-size:.84rem}
@media(min-width:75rem){.panels{grid-template-columns:minmax(0,5fr) minmax(0,4fr) minmax(0,3fr)}}
@media(max-width:40rem){.wrap{padding:0 .75rem}.card,.panel{padding:.8rem .8rem}.card thead th:last-child,.card tbody td:last-child{display:none}
.card td:nth-child(5),.card thead th:nth-child(5){padding-right:0}input[type=search],.tools label:first-child{width:100%}.overview{gap:.7rem}.overview dl{display:grid;grid-template-columns:1fr 1fr;width:100%;gap:.4rem 1.4rem}.overview .charts{flex-basis:100%}}
@media(prefers-reduced-motion:no-preference){.level,.card,.live::before{transition:background-color .4s,border-color .4s}}
@media print{.js-only{display:none}.card,.panel{break-inside:avoid}}
`;

/** As it stands between the style tags; its hash is in the policy. */
export const PAGE_STYLE = [COLOURS, GROUND, HEAD, CARDS].join("").replaceAll(/\n/g, "");
