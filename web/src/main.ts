import "./page.css";
document.title;
