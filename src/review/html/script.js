(function(){
"use strict";
// Texts come from the page's own data and are set as text, never as markup.
var d=document,root=d.documentElement;
function all(q,e){return Array.prototype.slice.call((e||d).querySelectorAll(q))}
function one(q,e){return (e||d).querySelector(q)}
function el(name,cls,text){var e=d.createElement(name);if(cls)e.className=cls;if(text!==undefined&&text!==null)e.textContent=text;return e}
function store(k,v){try{if(v===undefined)return localStorage.getItem(k);localStorage.setItem(k,v)}catch(e){return null}}
var data=JSON.parse(one("#data").textContent),env=0;

// Tabs: arrow keys, Home and End move; a tab is shown when it gets the focus.
function tabs(list,show){
 var items=all("[role=tab]",list);
 function pick(i,focus){items.forEach(function(t,n){var on=n===i;t.setAttribute("aria-selected",on);t.tabIndex=on?0:-1});if(focus)items[i].focus();show(i,items[i])}
 items.forEach(function(t,i){
  t.addEventListener("click",function(){pick(i,false)});
  t.addEventListener("keydown",function(e){
   var n=items.length,to={ArrowRight:(i+1)%n,ArrowLeft:(i+n-1)%n,ArrowDown:(i+1)%n,ArrowUp:(i+n-1)%n,Home:0,End:n-1}[e.key];
   if(to!==undefined){e.preventDefault();pick(to,true)}})});
 return pick}
var views=one("#views"),panels=all(".panel");
var pickView=tabs(views,function(i,t){panels.forEach(function(p){p.hidden=p.id!==t.getAttribute("aria-controls")})});
function view(id,focus){all("[role=tab]",views).forEach(function(t,i){if(t.getAttribute("aria-controls")===id)pickView(i,focus)})}
function setEnv(i){
 env=i;all(".env").forEach(function(b){b.hidden=+b.dataset.env!==i});close();
 var f=one("#f-env");if(f&&f.value!=="")f.value=String(i);filter()}
var envs=one("#envs");if(envs)tabs(envs,setEnv);

// Theme: as the system says, light, dark.
var theme=one("#theme"),names={"":"Theme: auto",light:"Theme: light",dark:"Theme: dark"};
function setTheme(v){if(v)root.dataset.theme=v;else delete root.dataset.theme;theme.textContent=names[v]||names[""]}
setTheme(store("portcullis-theme")||"");
theme.addEventListener("click",function(){var now=root.dataset.theme||"",next={"":"light",light:"dark",dark:""}[now];setTheme(next);store("portcullis-theme",next)});
var print=one("#print");if(print)print.addEventListener("click",function(){window.print()});

// Matrix: one cell is in the tab order; arrows move among cells with something to say.
var split=null,from=null;
function close(){
 if(!split)return;split.classList.remove("open");one(".detail",split).hidden=true;
 if(from){from.removeAttribute("aria-selected");from=null}split=null}
function flowRow(n){return d.getElementById("f"+n)}
function part(row,q){var e=row&&one(q,row);return e?e.textContent.trim():""}
var column={svc:4,own:5,tkt:6,unt:7,src:8};
function at(row,name){var c=row.cells[column[name]];if(!c)return"";var s=name==="unt"?one("span",c):c;return s?s.textContent.trim():""}
var fates={passes:"arrives",partly:"arrives in part",stopped:"is stopped",undecided:"is undecided"};
function command(args){
 var box=el("div","cmd"),text="portcullis explain -e "+data.environments[env].shell+" "+args,code=el("code","",text),b=el("button","btn","Copy");
 b.type="button";b.setAttribute("aria-label","Copy the command");
 b.addEventListener("click",function(){
  function done(){b.textContent="Copied";setTimeout(function(){b.textContent="Copy"},1500)}
  function select(){var r=d.createRange();r.selectNodeContents(code);var s=getSelection();s.removeAllRanges();s.addRange(r);try{if(d.execCommand("copy"))done()}catch(e){}}
  if(navigator.clipboard&&window.isSecureContext)navigator.clipboard.writeText(text).then(done,select);else select()});
 box.appendChild(code);box.appendChild(b);return box}
function change(n){
 var row=d.getElementById("c"+n);if(!row)return null;
 var li=el("li",row.dataset.w==="1"?"partly":"stopped"),w=el("div","what");
 w.appendChild(el("span","chip "+(row.dataset.w==="1"?"bad":"good"),row.dataset.kind));w.appendChild(el("b","",part(row,".what-ends")));li.appendChild(w);
 li.appendChild(el("div","meta",part(row,".services")));
 all(".source>div",row).forEach(function(c){li.appendChild(el("div","meta",part(c,"b")+" "+part(c,"b+span")+"  "+part(c,".mono")))});
 var b=el("button","btn","Show the change");b.type="button";b.addEventListener("click",function(){view("p-changes",true);row.tabIndex=-1;row.focus();row.scrollIntoView({block:"center"})});li.appendChild(b);return li}
function open(td){
 var e=data.environments[env],cell=e.cells[td.dataset.c],row=e.rows[cell[0]],col=e.columns[cell[1]];
 close();from=td;td.setAttribute("aria-selected","true");
 split=td.closest(".split");var box=one(".detail",split);box.textContent="";
 var x=el("button","close","×");x.type="button";x.setAttribute("aria-label","Close");x.addEventListener("click",function(){var f=from;close();if(f)f.focus()});
 var h=el("h3","",row[0]+" → "+col[0]);h.tabIndex=-1;
 box.appendChild(x);box.appendChild(h);
 var p=el("p","quiet",td.getAttribute("aria-label").split(": ").slice(1).join(": "));box.appendChild(p);
 [["Source",row],["Destination",col]].forEach(function(end){if(end[1][1].length&&!(end[1][1].length===1&&end[1][1][0]===end[1][0])){
  var det=el("details","more"),n=end[1][1].length;det.appendChild(el("summary","",end[0]+": "+(n===1?end[1][1][0]:n+" members")));
  if(n>1){var ul=el("ul","mono");end[1][1].forEach(function(m){ul.appendChild(el("li","",m))});ul.style.listStyle="disc";det.appendChild(ul)}box.appendChild(det)}});
 var ol=el("ol");
 cell[3].forEach(function(n){var li=change(n);if(li)ol.appendChild(li)});
 cell[2].forEach(function(f){
  var li=el("li",f[1]),r=f[0]===null?null:flowRow(f[0]),w=el("div","what");
  if(r){w.appendChild(el("span",one(".chip",r).className,part(r,".chip")));w.appendChild(el("b","",part(r,"td b")));w.appendChild(el("span","mono",at(r,"svc")))}
  else w.appendChild(el("b","","no flow speaks of it"));
  li.appendChild(w);
  if(r){var purpose=part(r,".purpose:not(.over)");if(purpose)li.appendChild(el("div","",purpose));
   var m=el("div","meta");[["",at(r,"src")],["owner ",at(r,"own")],["ticket ",at(r,"tkt")],["until ",at(r,"unt")]].forEach(function(q){if(q[1])m.appendChild(el("span",q[0]?"":"mono",q[0]+q[1]))});li.appendChild(m)}
  li.appendChild(el("div","meta",(r?"what it speaks of here "+fates[f[1]]:f[1]==="undecided"?"nobody can say whether it passes":"it passes")+(f[2]?": "+f[2].replace(/`/g,""):"")));
  if(f[3])li.appendChild(command(f[3]));
  ol.appendChild(li)});
 box.appendChild(ol);
 var go=el("button","btn","Show in the flows table");go.type="button";
 var ids=cell[2].map(function(f){return f[0]}).filter(function(n){return n!==null});
 if(ids.length){go.addEventListener("click",function(){only=ids;filter();view("p-flows",true)});go.style.marginTop="12px";box.appendChild(go)}
 box.hidden=false;split.classList.add("open");h.focus({preventScroll:true});
 if(box.getBoundingClientRect().top>innerHeight-80)box.scrollIntoView({block:"nearest"})}
d.addEventListener("keydown",function(e){if(e.key==="Escape"&&split){var f=from;close();if(f)f.focus()}});
all("table.m").forEach(function(t){
 function cells(){return all("td.z",t)}
 t.addEventListener("pointerover",function(e){var td=e.target.closest("td.z");if(td&&!td.title)td.title=td.getAttribute("aria-label")});
 var first=cells()[0];if(first)first.tabIndex=0;
 function move(td,to){if(!to)return;td.tabIndex=-1;to.tabIndex=0;to.focus()}
 function visible(td){return td&&!td.parentNode.hidden&&td.style.display!=="none"}
 t.addEventListener("click",function(e){var td=e.target.closest("td.z");if(td){var f=one("td.z[tabindex='0']",t);if(f)f.tabIndex=-1;td.tabIndex=0;open(td)}});
 t.addEventListener("keydown",function(e){
  var td=e.target.closest("td.z");if(!td)return;
  if(e.key==="Enter"||e.key===" "){e.preventDefault();open(td);return}
  var x=td.cellIndex,tr=td.parentNode,to=null,step={ArrowRight:1,ArrowLeft:-1}[e.key];
  if(step){e.preventDefault();for(var i=x+step;i>0&&i<tr.cells.length&&!to;i+=step)if(tr.cells[i].classList.contains("z")&&visible(tr.cells[i]))to=tr.cells[i]}
  else if(e.key==="ArrowDown"||e.key==="ArrowUp"){
   e.preventDefault();var rows=all("tbody tr",t),n=rows.indexOf(tr),s=e.key==="ArrowDown"?1:-1,best=null;
   for(var k=n+s;k>=0&&k<rows.length&&!best;k+=s){if(rows[k].hidden||rows[k].className==="h")continue;all("td.z",rows[k]).forEach(function(c){if(visible(c)&&(!best||Math.abs(c.cellIndex-x)<Math.abs(best.cellIndex-x)))best=c})}
   to=best}
  else if(e.key==="Home"||e.key==="End"){e.preventDefault();var zs=all("td.z",tr).filter(visible);to=e.key==="Home"?zs[0]:zs[zs.length-1]}
  move(td,to)})});
// The legend picks one state; the box above narrows rows and columns.
all(".legend button[data-s]").forEach(function(b){b.addEventListener("click",function(){
 var box=b.closest(".env"),t=one("table.m",box),on=b.getAttribute("aria-pressed")==="true";
 all(".legend button",box).forEach(function(o){o.setAttribute("aria-pressed","false")});
 all("td.z",t).forEach(function(c){c.classList.remove("on")});
 t.classList.toggle("pick",!on);
 if(!on){b.setAttribute("aria-pressed","true");all("td."+b.dataset.s,t).forEach(function(c){c.classList.add("on")})}})});
all("input.mfind").forEach(function(input){input.addEventListener("input",function(){
 var box=input.closest(".env"),t=one("table.m",box),q=input.value.trim().toLowerCase(),e=data.environments[+box.dataset.env];
 function hit(u){return (u[0]+" "+u[1].join(" ")).toLowerCase().indexOf(q)>=0}
 var rows=e.rows.map(hit),cols=e.columns.map(hit),anyRow=rows.some(Boolean),anyCol=cols.some(Boolean);
 if(q===""||!anyRow&&!anyCol){rows=rows.map(function(){return true});cols=cols.map(function(){return true})}
 else{if(!anyRow)rows=rows.map(function(){return true});if(!anyCol)cols=cols.map(function(){return true})}
 if(anyRow&&anyCol&&q!=="")cols=cols.map(function(){return true});
 all("tbody tr[data-r]",t).forEach(function(tr){tr.hidden=!rows[+tr.dataset.r]});
 all("tbody tr.h",t).forEach(function(h){var n=h.nextElementSibling,some=false;while(n&&n.className!=="h"){some=some||!n.hidden;n=n.nextElementSibling}h.hidden=!some});
 var first=e.rows.length?1:0;
 all("tr.c,tbody tr[data-r]",t).forEach(function(tr){for(var i=first;i<tr.cells.length;i++)tr.cells[i].style.display=cols[i-1]?"":"none"});
 one("tr.g",t).style.display=q===""?"":"none";
 var none=one(".mnone",box);none.hidden=q===""||anyRow||anyCol})});
all("select.mgroup").forEach(function(s){s.addEventListener("change",function(){
 var box=s.closest(".env"),t=one("table.m",box),body=one("tbody",t),rows=all("tr[data-r]",body),n=data.environments[+box.dataset.env].columns.length;
 all("tr.h",body).forEach(function(h){h.remove()});
 function key(r){return s.value===""?"":(r.dataset[s.value]||({owner:"no owner",zone:"no zone",network:r.dataset.kind})[s.value]||"")}
 rows.sort(function(a,b){var x=key(a),y=key(b);return x<y?-1:x>y?1:a.dataset.r-b.dataset.r});
 if(s.value==="network")rows.sort(function(a,b){return a.dataset.r-b.dataset.r});
 var last=null;
 rows.forEach(function(r){var k=key(r);if(k!==last&&s.value!==""){last=k;var h=el("tr","h"),th=el("th","",k);th.scope="rowgroup";h.appendChild(th);var td=el("td");td.colSpan=n;h.appendChild(td);body.appendChild(h)}body.appendChild(r)})})});

// Flows: filters hold together.
var only=null,rows=all("#flows tbody tr"),facts={};
rows.forEach(function(r){facts[r.id]={own:at(r,"own"),tkt:at(r,"tkt"),unt:at(r,"unt"),text:r.textContent.toLowerCase()}});
function value(id){var e=d.getElementById(id);return e?e.value:""}
function filter(){
 if(!rows.length)return;
 var q=value("f-text").trim().toLowerCase().split(/\s+/).filter(Boolean),own=value("f-owner"),tick=value("f-ticket"),due=value("f-due"),act=value("f-action"),e=value("f-env"),n=0;
 rows.forEach(function(r){
  var x=r.dataset,f=facts[r.id],days=x.days===undefined?null:+x.days,ok=true;
  if(only)ok=only.indexOf(+r.id.slice(1))>=0;
  ok=ok&&q.every(function(w){return f.text.indexOf(w)>=0});
  ok=ok&&(own===""||(own==="-"?f.own==="":f.own===own.slice(1)))&&(tick===""||(tick==="-"?f.tkt==="":f.tkt===tick.slice(1)))&&(act===""||x.action===act)&&(e===""||(" "+x.env+" ").indexOf(" "+e+" ")>=0);
  if(due==="never")ok=ok&&f.unt==="";else if(due==="some")ok=ok&&f.unt!=="";else if(due==="past")ok=ok&&days!==null&&days<0;else if(due!=="")ok=ok&&days!==null&&days>=0&&days<=+due;
  r.hidden=!ok;if(ok)n++});
 one("#f-count").textContent=n+" of "+rows.length+" statements"+(only?", those of one cell":"");
 one("#f-none").hidden=n>0;one("#f-clear").hidden=!(only||q.length||own||tick||due||act)}
["f-text","f-owner","f-ticket","f-due","f-action","f-env"].forEach(function(id){var e=d.getElementById(id);if(e){e.addEventListener("input",filter);e.addEventListener("change",filter)}});
var clear=one("#f-clear");if(clear)clear.addEventListener("click",function(){only=null;["f-text","f-owner","f-ticket","f-due","f-action"].forEach(function(id){var e=d.getElementById(id);if(e)e.value=""});filter();one("#f-text").focus()});
all("table.t th button").forEach(function(b){b.addEventListener("click",function(){
 var th=b.parentNode,t=b.closest("table"),i=th.cellIndex,up=th.getAttribute("aria-sort")!=="ascending",body=one("tbody",t),list=all("tr",body);
 all("th",t).forEach(function(o){o.removeAttribute("aria-sort")});th.setAttribute("aria-sort",up?"ascending":"descending");
 function key(r){var c=r.cells[i];return c.dataset.k!==undefined?c.dataset.k:c.textContent.trim().toLowerCase()}
 list.sort(function(a,b2){var x=key(a),y=key(b2),nx=parseFloat(x),ny=parseFloat(y),v=x===""||y===""?(x===y?0:x===""?(up?1:-1):(up?-1:1)):String(nx)===x&&String(ny)===y?nx-ny:x<y?-1:x>y?1:0;return up?v:-v});
 list.forEach(function(r){body.appendChild(r)})})});
all("[data-go]").forEach(function(b){b.addEventListener("click",function(){view(b.dataset.go,true)})});
if(data.environments.length)setEnv(0);else filter();
})();
